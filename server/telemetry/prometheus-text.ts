/** Numbers as Prometheus reads them: its text format 0.0.4, as much of it as is needed. Pure. */

export interface Sample {
  /** Of a histogram's samples, whose names go on after its own. */
  readonly suffix?: '_bucket' | '_sum' | '_count';
  /** From a closed set each: a label with a value per session or address would fill the memory of whoever collects. */
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Metric {
  /** Unit last, `_total` after it for a counter. */
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly samples: readonly Sample[];
}

export const prometheusType = 'text/plain; version=0.0.4; charset=utf-8';

export function prometheusText(metrics: readonly Metric[]): string {
  return metrics.flatMap(linesOf).join('\n').concat('\n');
}

function linesOf({ name, help, type, samples }: Metric): string[] {
  const head = [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`];
  return [...head, ...samples.map((sample) => `${name}${rowOf(sample)}`)];
}

function rowOf({ suffix, labels = {}, value }: Sample): string {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text)}"`);
  return `${suffix ?? ''}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${value}`;
}

const escaped = (text: string): string =>
  text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
