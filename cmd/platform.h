/* platform: this machine in Go's words, as Docker shows it. */
#ifndef CMD_PLATFORM_H
#define CMD_PLATFORM_H

/* GOARCH: "amd64", "arm64" ... */
const char *platform_arch(void);
/* --os, --arch and --variant (Podman's) as one platform, unless that is given. Owned; NULL where
 * nothing is. */
char *platform_text(const char *platform, const char *os, const char *arch, const char *variant);

#endif
