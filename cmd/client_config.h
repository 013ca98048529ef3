/* client_config: Docker's client configuration, config.json. */
#ifndef CMD_CLIENT_CONFIG_H
#define CMD_CLIENT_CONFIG_H

struct globals;
struct json_t;
struct strv;

/* config.json (--config, else $DOCKER_CONFIG, else ~/.docker); NULL where there is no readable one.
 * New reference. */
struct json_t *client_config_load(const struct globals *g);
/* A text of it, such as "psFormat"; NULL where there is none. Owned. */
char *client_config_text(const struct globals *g, const char *key);
/* Adds the variables of proxies.default (HTTP_PROXY, http_proxy ...) that env does not name. */
void client_config_proxies(const struct json_t *config, struct strv *env);

#endif
