#include "base/scope.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

void scope_free(void *pp)
{
	int saved = errno;
	free(*(void **)pp);
	errno = saved;
}

void scope_close(int *fd)
{
	int saved = errno;
	if (*fd >= 0)
		close(*fd);
	errno = saved;
}

void scope_fclose(FILE **f)
{
	int saved = errno;
	if (*f)
		fclose(*f);
	errno = saved;
}

void scope_closedir(DIR **d)
{
	int saved = errno;
	if (*d)
		closedir(*d);
	errno = saved;
}
