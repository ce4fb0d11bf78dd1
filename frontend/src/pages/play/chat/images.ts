/** Pictures that are pasted or chosen, small enough to be sent. */

/** What models look at is no larger, and a request has a limit of its own. */
const LONGEST_SIDE = 1536;
export const MOST_IMAGES = 8;

/** As a `data:` URI: PNG and JPEG as they are where they are small, all else as a JPEG. */
export async function asDataUri(file: Blob): Promise<string> {
  const bitmap = await createImageBitmap(file);
  try {
    const scale = Math.min(1, LONGEST_SIDE / Math.max(bitmap.width, bitmap.height));
    if (scale === 1 && /^image\/(png|jpeg)$/.test(file.type)) return await read(file);
    const canvas = document.createElement('canvas');
    canvas.width = Math.max(1, Math.round(bitmap.width * scale));
    canvas.height = Math.max(1, Math.round(bitmap.height * scale));
    canvas.getContext('2d')?.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    return canvas.toDataURL('image/jpeg', 0.9);
  } finally {
    bitmap.close();
  }
}

export function filesOf(transfer: DataTransfer): File[] {
  return [...transfer.files];
}

export function isImage(file: File): boolean {
  return file.type.startsWith('image/');
}

function read(file: Blob): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result));
    reader.onerror = () => reject(reader.error ?? new Error('The file cannot be read.'));
    reader.readAsDataURL(file);
  });
}
