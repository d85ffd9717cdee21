// Prints URLs of avatars as JSON, made by clients of Gravatar; see client-urls.
import { createHash } from "node:crypto";
import { image } from "gravatar-gen";
import gravatarUrl from "gravatar-url";

const ann = "Ann@Example.com ";
const sha256 = createHash("sha256").update(ann.trim().toLowerCase()).digest("hex");

const made = {
  "gravatar-url 4.0.2": [
    gravatarUrl(ann),
    gravatarUrl(ann, { size: 200, default: "retro" }),
    gravatarUrl(ann, { size: 1, default: "mp", rating: "pg" }),
    gravatarUrl(sha256, { size: 2048, default: "https://example.com/images/avatar.jpg" }),
  ],
  "gravatar-gen 1.0.2": [
    await image(ann),
    await image(ann, { size: 64, defaultImage: "robohash", rating: "g" }),
    await image(ann, { defaultImage: "blank", forceDefault: true, includeExtention: true }),
  ],
};

const lines = Object.entries(made).flatMap(([client, urls]) => urls.map((url) => ({ client, url })));
console.log(JSON.stringify(lines));
