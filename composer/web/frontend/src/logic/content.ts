/** The server reads less than this, and names the limit: of a larger file only the beginning goes on its way. */
export const MOST_SENT = 3 * 2 ** 20;

/** A file as the server takes it: its bytes, whatever its encoding is, and its whole size. */
export interface Content {
  name: string;
  content: string;
  size: number;
}

/** Read a file that a person chose or dropped; raises where it is none, as a folder is. */
export async function contentOf(file: File): Promise<Content> {
  const bytes = new Uint8Array(await file.slice(0, MOST_SENT).arrayBuffer());
  return { name: file.name, content: base64(bytes), size: file.size };
}

const PIECE = 0x8000;

export function base64(bytes: Uint8Array): string {
  const pieces: string[] = [];
  for (let at = 0; at < bytes.length; at += PIECE) pieces.push(String.fromCharCode(...bytes.subarray(at, at + PIECE)));
  return btoa(pieces.join(""));
}
