/* log_tag: what engine/log.h's log_tag_render is for this program. */
#ifndef CMD_LOG_TAG_H
#define CMD_LOG_TAG_H

struct buf;
struct err;
struct json_t;

int log_tag_text(const char *template, const struct json_t *data, struct buf *out, struct err *e);

#endif
