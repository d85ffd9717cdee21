// Draws every style of the packages beside this file and prints a digest of each drawing; tools/javascript-digests.

import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { Avatar, Style } from "@dicebear/core";

const SEEDS = [
  "", "a", "Anna", "Boris", "anna@example.org", "O'Brien", "42", "0123456789abcdef0123456789abcdef",
  "x".repeat(128), "two words", "  spaces  ", "<script>&\"'</script>", "line\nbreak\ttab", "Жанна", "Ωmega", "東京",
  "さくら", "김철수", "שלום", "\u{1F600}\u{1F469}\u200D\u{1F680}",
];
const OPTIONS = [
  { flip: "both", rotate: 33, scale: 0.7, translateX: 12.5, translateY: -7 },
  { borderRadius: 50, backgroundColor: ["#ff8800", "#0af"], backgroundColorFill: "linear", backgroundColorAngle: 45 },
  { backgroundColor: ["b6e3f4", "c0aede", "d1d4f9"], backgroundColorFill: "radial", backgroundColorFillStops: 3 },
  { scale: [0.5, 1.5], rotate: [-180, 180], translateX: [-20, 20], flip: ["none", "horizontal", "vertical"] },
  { title: "\"><script>alert('1')</script>&", fontFamily: "Georgia, serif", fontWeight: [400, 700] },
  { tags: ["!animation"], size: 77 },
];

// What the service passes with every look stands first.
const common = { size: 128, fontFamily: "Noto Sans, system-ui, sans-serif", idRandomization: false };
const cases = [
  ...SEEDS.map((seed) => ({ ...common, seed })),
  ...OPTIONS.map((options) => ({ ...common, ...options, seed: "Anna" })),
];

const directory = "node_modules/@dicebear/styles/src";
const digests = {};
for (const file of readdirSync(directory).filter((name) => name.endsWith(".json")).sort()) {
  const style = new Style(JSON.parse(readFileSync(`${directory}/${file}`, "utf8")));
  digests[file.slice(0, -".json".length)] = cases
    .map((options) => createHash("sha256").update(new Avatar(style, options).toString()).digest("hex").slice(0, 16))
    .join(" ");
}
const [core, styles] = process.argv.slice(2);
console.log(JSON.stringify({ core, styles, cases, digests }, null, 1));
