"""Sessions, the one that is valid, and refresh tokens."""

from tests.attacks.world import World, refused


def test_s01_a_second_sign_in_ends_the_first_token_on_every_node(world: World) -> None:
    first = world.sign_up()
    assert world.everywhere(first.at) == [200] * len(world.nodes)
    node = world.nodes[0]
    second = world.sign_in(first.username, node=node)
    refused(node.send("GET", "/auth/user", at=first.at), 401, "session_superseded")
    world.settled(first.at, 401)
    assert world.everywhere(second.at) == [200] * len(world.nodes)
