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

# AX_OPTIONAL_CXX(NAME, MODULE, PACKAGES, WHAT, INCLUDES, BODY): as AX_OPTIONAL, for a library in C++: INCLUDES and BODY
# must compile and link, too, which they do not where there is no C++ compiler.
AC_DEFUN([AX_OPTIONAL_CXX], [
  PKG_CHECK_MODULES([$1], [$2], [
    forkpool_saved_cxxflags=$CXXFLAGS forkpool_saved_libs=$LIBS
    CXXFLAGS="$CXXFLAGS $$1_CFLAGS" LIBS="$$1_LIBS $LIBS"
    AC_LANG_PUSH([C++])
    AC_MSG_CHECKING([whether $CXX takes $2])
    AC_LINK_IFELSE([AC_LANG_PROGRAM([$5], [$6])], [have_$1=yes], [have_$1=no])
    AC_MSG_RESULT([$have_$1])
    AC_LANG_POP([C++])
    CXXFLAGS=$forkpool_saved_cxxflags LIBS=$forkpool_saved_libs], [have_$1=no])
  AS_IF([test "$have_$1" = no], [left_out="$left_out
    without $2: $4 (apt-get install $3)"])
  AM_CONDITIONAL([HAVE_$1], [test "$have_$1" = yes])
])

# AX_OPENMP_PAUSE: whether OpenMP, if there is one, can be told to end its threads (OpenMP 5.0; gcc >= 9).
AC_DEFUN([AX_OPENMP_PAUSE], [
  AC_CACHE_CHECK([for omp_pause_resource_all], [forkpool_cv_openmp_pause], [
    forkpool_saved_cflags=$CFLAGS
    CFLAGS="$CFLAGS $OPENMP_CFLAGS"
    AC_LINK_IFELSE([AC_LANG_PROGRAM([[#include <omp.h>]], [[return omp_pause_resource_all(omp_pause_hard);]])],
      [forkpool_cv_openmp_pause=yes], [forkpool_cv_openmp_pause=no])
    CFLAGS=$forkpool_saved_cflags])
])
