/* platform: this machine in Go's words, as Docker shows it. */
#ifndef CMD_PLATFORM_H
#define CMD_PLATFORM_H

/* GOARCH: "amd64", "arm64" ... */
const char *platform_arch(void);

#endif
