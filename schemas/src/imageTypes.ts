/** The image files that data sections read, by extension. */
export const IMAGE_EXTENSIONS = ['.jpg', '.jpeg', '.png', '.webp'] as const;

/** As messages name them. */
export const IMAGE_TYPES = 'JPEG, PNG or WebP';

/** Whether a file's name says that it is an image of these types; capitals do not matter. */
export function isImagePath(path: string): boolean {
  const name = path.toLowerCase();
  return IMAGE_EXTENSIONS.some((extension) => name.endsWith(extension));
}

/** Whether a file is audio by its name. */
export function isAudioPath(path: string): boolean {
  return /\.wav$/i.test(path);
}
