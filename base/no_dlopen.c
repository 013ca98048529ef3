/* For the static programs, linked with --wrap=dlopen: SQLite names dlopen for its extensions, which
 * are never used; the C library's own would want its shared self at run time. */
#include <stddef.h>

void *__wrap_dlopen(const char *file, int mode);

void *__wrap_dlopen(const char *file, int mode)
{
	(void)file;
	(void)mode;
	return NULL;
}
