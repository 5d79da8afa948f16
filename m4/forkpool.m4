# AX_C11: the compiler must speak C11 with lock-free 64-bit atomics.
AC_DEFUN([AX_C11], [
  AC_CACHE_CHECK([for C11 with lock-free 64-bit atomics], [forkpool_cv_c11], [
    AC_COMPILE_IFELSE([AC_LANG_SOURCE([[
      #include <stdatomic.h>
      #include <stdint.h>
      #if __STDC_VERSION__ < 201112L
      #error "not C11"
      #endif
      _Static_assert(ATOMIC_LLONG_LOCK_FREE == 2 && sizeof(long long) == 8, "64-bit atomics");
      _Atomic uint64_t word;
    ]])], [forkpool_cv_c11=yes], [forkpool_cv_c11=no])])
  AS_IF([test "$forkpool_cv_c11" = no],
    [AC_MSG_ERROR([a C11 compiler with lock-free 64-bit atomics is needed (gcc >= 4.9, clang >= 3.6)])])
])

# AX_TRY_CFLAGS(VARIABLE, FLAGS): sets VARIABLE to those of FLAGS that the compiler takes.
AC_DEFUN([AX_TRY_CFLAGS], [
  forkpool_saved_cflags=$CFLAGS
  $1=
  for forkpool_flag in $2; do
    CFLAGS="$forkpool_saved_cflags -Werror $forkpool_flag"
    AC_MSG_CHECKING([whether $CC takes $forkpool_flag])
    AC_COMPILE_IFELSE([AC_LANG_PROGRAM([], [])],
      [AC_MSG_RESULT([yes]); $1="[$]$1 $forkpool_flag"], [AC_MSG_RESULT([no])])
  done
  CFLAGS=$forkpool_saved_cflags
  AC_SUBST([$1])
])

# AX_OPTIONAL(NAME, MODULE, PACKAGE, WHAT): a library that only WHAT needs.  Sets NAME_CFLAGS, NAME_LIBS, have_NAME and
# the condition HAVE_NAME; where it is missing, left_out says in a line which of Debian's packages to install.
AC_DEFUN([AX_OPTIONAL], [
  PKG_CHECK_MODULES([$1], [$2], [have_$1=yes], [have_$1=no
    left_out="$left_out
    without $2: $4 (apt-get install $3)"])
  AM_CONDITIONAL([HAVE_$1], [test "$have_$1" = yes])
])
