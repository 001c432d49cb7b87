/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the configuration share: the tables, the way from text to value, and the text
 * of a file as libconfuse may see it.
 */
#ifndef SETTINGS_PRIVATE_H
#define SETTINGS_PRIVATE_H

#include <apr_tables.h>
#include <confuse.h>

#include "settings.h"

#define CONFIG_PATH   0x01u /* a file's name: relative to the configuration file's directory */
#define CONFIG_TARGET 0x02u /* the same, unless it is a word (stderr, syslog) */

/* What is wrong with one text, in the pool or constant; NULL: nothing. */
typedef const char *config_check_t(apr_pool_t *pool, const char *text);
/* The same of a list's texts together, at least one, each of which is right; NULL behind them. */
typedef const char *config_check_list_t(const char *const *texts);

/* One setting.  Its value stands at `offset` of the structure that its table is for. */
typedef struct config_row_t {
    const char *name; /* NULL ends the table */
    salon_setting_type_t type;
    size_t offset;
    const char *fallback; /* a list's: words */
    apr_int64_t min, max; /* of an integer; both 0: any that is not negative */
    unsigned flags;
    config_check_t *check; /* of each text; NULL: the type says it all */
    config_check_list_t *check_list; /* of a list; NULL: they may stand side by side as they like */
    const char *help;
} config_row_t;

/* A section without title; name "": what stands outside of all. */
typedef struct config_group_t {
    const char *name; /* NULL ends the table */
    const config_row_t *rows;
} config_group_t;

typedef struct config_default_endpoint_t {
    const char *path, *dialect, *rate;
    apr_int64_t max_length;
    bool auto_create;
} config_default_endpoint_t;

typedef struct config_default_listener_t {
    const char *address;
    const char *http; /* words */
    config_default_endpoint_t endpoints[6];
} config_default_listener_t;

extern const config_group_t config_groups[];       /* of config_t */
extern const config_row_t config_listen_rows[];    /* of config_listener_t */
extern const config_row_t config_endpoint_rows[];  /* of config_endpoint_t */
extern const config_default_listener_t config_default_listeners[]; /* address NULL ends it */

const char *config_type_name(salon_setting_type_t type);
/* Where the row's value stands in the structure at `base`. */
void *config_slot(const config_row_t *row, const void *base);
/* Is the text right for the row?  NULL: yes; otherwise what is wrong. */
const char *config_check(apr_pool_t *pool, const config_row_t *row, const char *text);
/* Writes checked texts (of a list any number, otherwise one) to the slot.  directory: what file
 * names are relative to. */
void config_store(apr_pool_t *pool, const config_row_t *row, const char *const *texts, int count,
                  const char *directory, void *slot);
/* Writes the defaults of all rows to the structure at `base`. */
void config_store_fallbacks(apr_pool_t *pool, const config_row_t *rows, void *base);
/* NULL-terminated, the words between spaces. */
const char *const *config_words(apr_pool_t *pool, const char *text);
bool config_listed(const char *const *list, const char *name);

/*
 * A file's text, in the pool, with spaces in the place of comments: libconfuse counts their lines
 * wrongly and refuses them inside a list.  Refused here, because libconfuse would go on reading in
 * the wrong state: strings and comments without end, "${" without its brace; what it would pass
 * over silently: a section without end, a stray "+" or "*"; "+=", which could not append to what
 * another file says; and bytes that are not UTF-8.
 */
char *config_text_read(apr_pool_t *pool, const char *file, const char **error_r);
/* Puts spaces in the place of all sections but these, so that libconfuse need not know them: its
 * own way of ignoring unknown ones loses its place after an empty one. */
void config_text_blank_sections(char *text, const config_group_t *kept);

/* ---- Parsing with libconfuse ---- */

/* What stands somewhere in a file. */
typedef struct config_value_t {
    const char *text;
    const char *file;
    int line;
} config_value_t;

typedef struct config_parser_t {
    apr_pool_t *pool;
    const char *directory;     /* of the configuration file, absolute; NULL: no file */
    apr_array_header_t *files; /* of cfg_t *, in the order in which they count */
    const char *file;          /* that is being parsed */
    const char *error;         /* the first: "FILE:LINE: text" */
} config_parser_t;

void config_parser_begin(config_parser_t *parser, apr_pool_t *pool);
/* Frees the files; values and the error stay, in the pool. */
void config_parser_end(config_parser_t *parser);
/* Notes the error, unless there is one; false. */
bool config_fail(config_parser_t *parser, const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* What may stand in a file: all of the core's, and these sections. */
cfg_opt_t *config_grammar(apr_pool_t *pool, const config_group_t *plugins, int count);
/* Parses the file (NULL: none) and conf.d/ beside it.  peek: what is not of the core's own settings
 * and sections is ignored, listeners are, too. */
bool config_parse(config_parser_t *parser, cfg_opt_t *grammar, const char *file, bool peek);

/* Of a parsed file or section.  An option that the grammar does not have: NULL. */
cfg_opt_t *config_option(cfg_t *section, const char *name);
const config_value_t *config_value_at(cfg_opt_t *option, unsigned index);
/* An empty list counts as given. */
bool config_is_given(cfg_opt_t *option);
/* The title of a section that has one, and the place of its beginning. */
const config_value_t *config_opened_at(cfg_t *section);

/* ---- Reading what was parsed ---- */

typedef struct config_reader_t {
    apr_pool_t *pool;
    config_parser_t parser;
    config_t *config;
    const char *const *dialects;
    const config_section_t *sections; /* the plugins', and by the same index: */
    config_group_t *groups;
    union config_shadow_t **shadows;
    int section_count;
    apr_array_header_t *listeners; /* of pointers; see settings_listen.c */
} config_reader_t;

/* False. */
#define config_refuse(reader, place, ...) \
    config_fail(&(reader)->parser, (place)->file, (place)->line, __VA_ARGS__)

/* Takes what the section gives, by the table, to the structure at `base`. */
bool config_take_rows(config_reader_t *reader, cfg_t *section, const config_row_t *rows,
                      void *base);
/* Merges the file's listeners into those of earlier files. */
bool config_take_listeners(config_reader_t *reader, cfg_t *file);
/* After the last file: what config_t holds; without any, the default ones. */
void config_finish_listeners(config_reader_t *reader);

#endif
