/** Which devices this browser rode with last. */
import * as v from 'valibot';

const schema = v.object({
  /** Null: the simulated one. */
  trainer: v.nullable(v.object({ id: v.string(), name: v.string() })),
  strap: v.nullable(v.object({ id: v.string(), name: v.string() })),
});

export type RememberedDevices = Readonly<v.InferOutput<typeof schema>>;

const storageKey = 'trackstand-devices';
const none: RememberedDevices = { trainer: null, strap: null };

export function rememberedDevices(): RememberedDevices {
  try {
    const parsed = v.safeParse(schema, JSON.parse(localStorage.getItem(storageKey) ?? 'null'));
    return parsed.success ? parsed.output : none;
  } catch {
    // A browser that keeps nothing for this page, or another's text under this name.
    return none;
  }
}

export function rememberDevices(devices: RememberedDevices): void {
  try {
    localStorage.setItem(storageKey, JSON.stringify(devices));
  } catch {
    // Chosen again next time.
  }
}
