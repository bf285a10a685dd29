// A plug-in in JavaScript, of the world in ../../wit/greet.
import stdout from "wasi:cli/stdout@0.2.3";

const hello = { english: "Hello", german: "Guten Tag", greek: "Γεια σου" };
const most = 5;

export function greet({ name, titles, language }, times) {
  if (name === "") throw { tag: "nameless" };
  if (times > most) throw { tag: "too-often", val: most };
  const once = `${hello[language ?? "english"]}, ${[...titles, name].join(" ")}!`;
  const text = Array(times).fill(once).join(" ");
  // By scalar values, which `length` does not count.
  return { text, characters: [...text].length };
}

export const run = {
  run() {
    // The engine has no console and no TextEncoder; this is ASCII.
    const line = Uint8Array.from("hello from JavaScript\n", (c) => c.charCodeAt(0));
    stdout.getStdout().blockingWriteAndFlush(line);
  },
};
