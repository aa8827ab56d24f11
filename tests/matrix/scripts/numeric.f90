! Fortran: dense solve by Gauss elimination, formatted output, allocatable arrays, an internal procedure.
program numeric
  implicit none
  integer :: n, i, j, k, rounds
  real(8), allocatable :: a(:, :), b(:)
  real(8) :: factor, total
  character(len=32) :: text
  call get_command_argument(1, text)
  read (text, *) rounds
  n = 200
  allocate (a(n, n), b(n))
  total = 0
  do k = 1, rounds
    do j = 1, n
      do i = 1, n
        a(i, j) = 1.0d0 / real(i + j + k, 8)
      end do
      a(j, j) = a(j, j) + 2.0d0
      b(j) = real(mod(j * 7919, 101), 8)
    end do
    call solve()
    total = total + sum(b)
    if (mod(k, 5) == 0) write (*, '(i5, 3es22.14)') k, b(1), b(n), total
  end do
  write (*, '(a, f20.10)') 'total', total
contains
  subroutine solve()
    integer :: row, column
    do column = 1, n - 1
      do row = column + 1, n
        factor = a(row, column) / a(column, column)
        a(row, column:n) = a(row, column:n) - factor * a(column, column:n)
        b(row) = b(row) - factor * b(column)
      end do
    end do
    do row = n, 1, -1
      b(row) = (b(row) - dot_product(a(row, row + 1:n), b(row + 1:n))) / a(row, row)
    end do
  end subroutine solve
end program numeric
