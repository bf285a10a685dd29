// A component made from JavaScript: it imports nothing, so it needs no grant.
export function upper(s) {
  return s.toUpperCase();
}
