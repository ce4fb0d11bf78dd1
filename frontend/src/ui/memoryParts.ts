/** How a device's memory is divided, as pieces of a bar; what goes beyond its end is a piece of its own. */

export type MemorySegment = { label: string; bytes: number; color?: string };
/** `of`: the place of its segment among those given */
export type MemoryPart = MemorySegment & { of: number; color: string; percent: number; isOver: boolean };

const COLORS = ['blue', 'teal', 'violet', 'cyan', 'grape', 'lime', 'orange', 'indigo'];

export type Division = {
  parts: MemoryPart[];
  used: number;
  /** never below 0 */
  free: number;
  /** how much more than there is */
  over: number;
  /** where the device ends on the bar, in percent; 100 unless more is asked for */
  end: number;
};

export function divide(total: number, segments: readonly MemorySegment[]): Division {
  const used = segments.reduce((sum, one) => sum + Math.max(0, one.bytes), 0);
  const scale = Math.max(total, used, 1);
  const parts: MemoryPart[] = [];
  let at = 0;
  segments.forEach((segment, index) => {
    if (segment.bytes <= 0) return;
    const color = segment.color ?? COLORS[index % COLORS.length] ?? 'blue';
    const inside = Math.max(0, Math.min(segment.bytes, total - at));
    const outside = segment.bytes - inside;
    const part = (bytes: number, isOver: boolean) =>
      bytes > 0 &&
      parts.push({ ...segment, of: index, color, bytes, percent: (bytes / scale) * 100, isOver });
    part(inside, false);
    part(outside, true);
    at += segment.bytes;
  });
  return {
    parts,
    used,
    free: Math.max(0, total - used),
    over: Math.max(0, used - total),
    end: (total / scale) * 100,
  };
}
