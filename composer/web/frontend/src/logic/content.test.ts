import { describe, expect, it } from "vitest";
import { base64, contentOf, MOST_SENT } from "./content";

const bytesOf = (text: string) => Uint8Array.from(atob(text), (char) => char.charCodeAt(0));

describe("a file on its way to the server", () => {
  it("keeps every byte, so that the server can find its encoding", async () => {
    const bytes = new Uint8Array(2_000).map((_, at) => at % 256);
    const sent = await contentOf(new File([bytes], "latin.yaml"));
    expect(sent).toMatchObject({ name: "latin.yaml", size: 2_000 });
    expect(bytesOf(sent.content)).toEqual(bytes);
  });

  it("is cut where it is too large anyway, and says its whole size", async () => {
    const sent = await contentOf(new File([new Uint8Array(MOST_SENT + 5)], "big.yaml"));
    expect([sent.size, sent.content.length]).toEqual([MOST_SENT + 5, (MOST_SENT / 3) * 4]);
  });

  it("may be empty", () => expect(base64(new Uint8Array())).toBe(""));
});
