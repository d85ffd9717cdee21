// DiceBear's own libraries behind HTTP, as its API has them but without its checks and without EXIF; bench/cold.py.
// Takes the directory where npm has installed @dicebear/core, @dicebear/styles, @dicebear/converter and fastify.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const [directory] = process.argv.slice(2);
const found = createRequire(`${directory}/`);
const { Avatar, Style } = await import(found.resolve("@dicebear/core"));
const { toPng, toWebp } = await import(found.resolve("@dicebear/converter"));
const { fastify } = await import(found.resolve("fastify"));

const raster = { png: toPng, webp: toWebp };
const styles = new Map();
function styleOf(name) {
  if (!styles.has(name)) {
    const file = `${directory}/node_modules/@dicebear/styles/src/${name}.json`;
    styles.set(name, new Style(JSON.parse(readFileSync(file, "utf8"))));
  }
  return styles.get(name);
}

const app = fastify();
app.get("/a/:style/:seed.:format", async (request, reply) => {
  const { style, seed, format } = request.params;
  const size = Number(request.query.size);
  const avatar = new Avatar(styleOf(style), { seed, size });
  if (format === "svg") return reply.type("image/svg+xml").send(avatar.toString());
  const body = await raster[format](avatar, { size, fonts: [] }).toArrayBuffer();
  return reply.type(`image/${format}`).send(Buffer.from(body));
});
console.log(await app.listen({ host: "127.0.0.1", port: 0 }));
