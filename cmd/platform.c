#include "cmd/platform.h"

#include "base/str.h"

const char *platform_arch(void)
{
#if defined(__x86_64__)
	return "amd64";
#elif defined(__aarch64__)
	return "arm64";
#elif defined(__i386__)
	return "386";
#elif defined(__arm__)
	return "arm";
#elif defined(__riscv) && __riscv_xlen == 64
	return "riscv64";
#elif defined(__powerpc64__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return "ppc64le";
#elif defined(__s390x__)
	return "s390x";
#elif defined(__loongarch64)
	return "loong64";
#elif defined(__mips64)
	return "mips64le";
#else
#error "no GOARCH name is known for this machine"
#endif
}

char *platform_text(const char *platform, const char *os, const char *arch, const char *variant)
{
	if (!str_empty(platform))
		return xstrdup(platform);
	if (str_empty(os) && str_empty(arch))
		return NULL;
	if (str_empty(arch))
		return xstrdup(os);
	return xasprintf("%s/%s%s%s", str_empty(os) ? "linux" : os, arch,
		str_empty(variant) ? "" : "/", str_empty(variant) ? "" : variant);
}
