"""`python -m emoticon` and the command `emoticon`."""

from emoticon.cli import app


def main() -> None:
    """Run the command line."""
    app(prog_name="emoticon")


if __name__ == "__main__":
    main()
