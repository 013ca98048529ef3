#include "engine/image_platform.h"

#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "base/str.h"
#include "engine/transfer/platform.h"
#include "storage/image.h"

/* A variant that the image does not tell fits any. */
static bool is_same(const char *own, const char *wanted)
{
	return str_empty(own) || str_empty(wanted) || !strcmp(own, wanted);
}

int image_platform_check(
	const struct image *image, const char *shown, const char *wanted, struct err *e)
{
	auto_platform p = {0};
	int r = platform_parse(wanted, &p, e);
	if (r < 0)
		return r;
	auto_json config = json_parse(image->config, strlen(image->config), "image config", e);
	if (!config)
		return -e->code;
	const char *os = json_str_or(config, "os", "linux");
	const char *architecture = json_str_or(config, "architecture", "");
	const char *variant = json_str(config, "variant");
	if (is_same(os, p.os) && is_same(architecture, p.architecture) &&
		is_same(variant, p.variant))
		return 0;
	err_set(e, ENOENT,
		"image with reference %s was found but does not provide the specified platform "
		"(%s)",
		shown, wanted);
	return err_hint(e, "it is %s/%s%s%s; moss pull --platform %s %s gets the other", os,
		architecture, str_empty(variant) ? "" : "/", str_empty(variant) ? "" : variant,
		wanted, shown);
}
