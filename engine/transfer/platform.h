/* platform: which of an index's images is wanted: "linux/arm64/v8", as containerd reads it. */
#ifndef ENGINE_TRANSFER_PLATFORM_H
#define ENGINE_TRANSFER_PLATFORM_H

#include <stdbool.h>

struct err;

struct platform {
	char *os, *architecture, *variant; /* variant may be NULL */
};
void platform_deinit(struct platform *p);
#define auto_platform __attribute__((cleanup(platform_deinit))) struct platform

/* NULL or "": $DOCKER_DEFAULT_PLATFORM, else this machine's. */
int platform_parse(const char *text, struct platform *out, struct err *e);
/* Is an image of this config (normalised JSON) one of the platform? A variant counts where both say
 * one. */
bool platform_has(const struct platform *p, const char *config);

#endif
