/** Bytes RFC 6455 §5.5 leaves for the reason of a close frame. */
const reasonBytesMax = 123;

/** A text that fits into a close frame: a longer one makes `ws` throw. */
export function closeReason(text: string): string {
  const bytes = new TextEncoder().encode(text);
  if (bytes.length <= reasonBytesMax) return text;
  // A character cut in two decodes to a replacement character, which is dropped.
  return new TextDecoder().decode(bytes.subarray(0, reasonBytesMax)).replace(/\uFFFD+$/, '');
}
