/* image_platform: whether an image is of the platform that a command was told (--platform). */
#ifndef ENGINE_IMAGE_PLATFORM_H
#define ENGINE_IMAGE_PLATFORM_H

struct err;
struct image;

/* wanted: "linux", "linux/arm64", "linux/arm64/v8", "arm64". -ENOENT in Docker's words where the
 * image is another one's; shown: what the user named it. */
int image_platform_check(
	const struct image *image, const char *shown, const char *wanted, struct err *e);

#endif
