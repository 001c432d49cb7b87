dnl SPDX-License-Identifier: Apache-2.0
dnl
dnl The compiler's flags, from the choices that configure.ac offers.

dnl SALON_HOUSE_CFLAGS: the language and the warnings; by $enable_werror.
AC_DEFUN([SALON_HOUSE_CFLAGS], [
HOUSE_CFLAGS="-std=gnu17 -fvisibility=hidden -Wall -Wextra -Wshadow -Wstrict-prototypes \
-Wmissing-prototypes -Wformat=2 -Wundef"
AS_IF([test "$enable_werror" = yes], [HOUSE_CFLAGS="$HOUSE_CFLAGS -Werror"])
SALON_TRY_CFLAGS([$HOUSE_CFLAGS])
AC_SUBST([HOUSE_CFLAGS])
])

dnl SALON_SANITIZE_CFLAGS: by $enable_sanitize and $enable_fuzzers; TEST_SLOWER says how many times
dnl longer the tests may then wait.
AC_DEFUN([SALON_SANITIZE_CFLAGS], [
AS_CASE([$enable_sanitize],
    [no], [SANITIZE_CFLAGS= TEST_SLOWER=1],
    [address], [SANITIZE_CFLAGS="-fsanitize=address,undefined -fno-sanitize-recover=all \
-fno-omit-frame-pointer" TEST_SLOWER=3],
    [thread], [SANITIZE_CFLAGS="-fsanitize=thread -fno-omit-frame-pointer" TEST_SLOWER=6],
    [AC_MSG_ERROR([--enable-sanitize takes address or thread])])
AS_IF([test "$enable_fuzzers" = yes],
    [SANITIZE_CFLAGS="$SANITIZE_CFLAGS -fsanitize=fuzzer-no-link"])
AS_IF([test -n "$SANITIZE_CFLAGS"], [SALON_TRY_CFLAGS([$SANITIZE_CFLAGS])])
AC_SUBST([SANITIZE_CFLAGS])
AC_SUBST([TEST_SLOWER])
])

dnl SALON_TRY_CFLAGS(FLAGS): ends configure unless the compiler takes them, and links with them.
AC_DEFUN([SALON_TRY_CFLAGS], [
AC_MSG_CHECKING([whether $CC takes $1])
salon_saved_CFLAGS=$CFLAGS
CFLAGS="$CFLAGS $1"
AC_LINK_IFELSE([AC_LANG_SOURCE([[int main(void) { return 0; }]])],
    [AC_MSG_RESULT([yes])],
    [AC_MSG_RESULT([no])
     AC_MSG_ERROR([the compiler does not take these flags])])
CFLAGS=$salon_saved_CFLAGS
])
