; Recursion, big numbers, hash tables, sorting, conditions.
(defun fib (n) (if (< n 2) n (+ (fib (- n 1)) (fib (- n 2)))))
(let ((rounds (parse-integer (car *args*))) (table (make-hash-table :test 'equal)))
  (print (fib (+ 14 (floor rounds 3))))
  (print (mod (expt 3 (* rounds 500)) 1000000007))
  (dotimes (i (* rounds 1000)) (incf (gethash (format nil "k~d" (mod (* i 7919) 97)) table 0)))
  (print (subseq (sort (loop for v being the hash-values of table collect v) #'<) 0 5))
  (print (loop for i below (* rounds 20) count (handler-case (/ i (mod i 3)) (division-by-zero () nil))))
  (terpri))
