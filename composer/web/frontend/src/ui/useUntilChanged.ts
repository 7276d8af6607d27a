import { useState } from "react";

/** State that is begun anew when what it is about changes: a choice gives way to another value of the graph. */
export function useUntilChanged<T>(about: unknown, initial: T): [T, (value: T) => void] {
  const [held, hold] = useState({ about, value: initial });
  if (!Object.is(held.about, about)) hold({ about, value: initial });
  return [Object.is(held.about, about) ? held.value : initial, (value) => hold({ about, value })];
}
