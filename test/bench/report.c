/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables of numbers, for people and for scripts.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report.h"

#define LABEL_WIDTH 8

void report_head(const column_t *columns)
{
    printf("%-*s", LABEL_WIDTH, "server");
    for (; columns->name != NULL; columns++)
        printf("  %*s", columns->width, columns->name);
    putchar('\n');
}

static void print_row(const options_t *options, const column_t *columns, const double *values)
{
    printf("%-*s", LABEL_WIDTH, options->label);
    for (int i = 0; columns[i].name != NULL; i++) {
        if (isnan(values[i]))
            printf("  %*s", columns[i].width, "-");
        else
            printf("  %*.*f", columns[i].width, columns[i].decimals, values[i]);
    }
    putchar('\n');
    fflush(stdout);
}

void report_row(const options_t *options, const char *mode, const column_t *columns,
                const double *values)
{
    FILE *file;

    print_row(options, columns, values);
    if (options->output == NULL)
        return;
    file = fopen(options->output, "a");
    if (file == NULL)
        bench_die("%s: %s", options->output, strerror(errno));
    fprintf(file, "%s server=%s", mode, options->label);
    for (int i = 0; columns[i].name != NULL; i++)
        fprintf(file, " %s=%.*f", columns[i].name, columns[i].decimals, values[i]);
    fputc('\n', file);
    fclose(file);
}
