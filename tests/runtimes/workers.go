// Goroutines on all processors: channels, mutexes, timers, garbage collection, signals, a child process.
// Prints the same lines every time.
package main

import (
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"sort"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

type tree struct{ left, right *tree }

func grow(depth int) *tree {
	if depth == 0 {
		return &tree{}
	}
	return &tree{grow(depth - 1), grow(depth - 1)}
}

func (t *tree) count() int {
	if t.left == nil {
		return 1
	}
	return 1 + t.left.count() + t.right.count()
}

func pipeline() [32]byte {
	jobs, results := make(chan int), make(chan [33]byte, 16)
	var group sync.WaitGroup
	for worker := 0; worker < 8; worker++ {
		group.Add(1)
		go func() {
			defer group.Done()
			for job := range jobs {
				sum := sha256.Sum256([]byte(fmt.Sprint("job ", job, " of ", grow(8).count())))
				var result [33]byte
				result[0] = byte(job)
				copy(result[1:], sum[:])
				results <- result
			}
		}()
	}
	go func() {
		for job := 0; job < 200; job++ {
			jobs <- job
		}
		close(jobs)
		group.Wait()
		close(results)
	}()
	var all [][33]byte
	for result := range results {
		all = append(all, result)
	}
	sort.Slice(all, func(a, b int) bool { return string(all[a][:]) < string(all[b][:]) })
	var joined []byte
	for _, result := range all {
		joined = append(joined, result[:]...)
	}
	return sha256.Sum256(joined)
}

// A loop without calls can be preempted only by a signal.
func preempted() int64 {
	var stop, rounds int64
	done := make(chan bool)
	for worker := 0; worker < 4; worker++ {
		go func() {
			n := int64(0)
			for atomic.LoadInt64(&stop) == 0 {
				for i := 0; i < 1000; i++ {
					n += int64(i) & 1
				}
			}
			atomic.AddInt64(&rounds, n&1|1)
			done <- true
		}()
	}
	time.Sleep(30 * time.Millisecond)
	runtime.GC()
	atomic.StoreInt64(&stop, 1)
	for worker := 0; worker < 4; worker++ {
		<-done
	}
	return rounds
}

func faults() (caught int) {
	for i := 0; i < 100; i++ {
		func() {
			defer func() {
				if recover() != nil {
					caught++
				}
			}()
			var nothing *tree
			if i%2 == 0 {
				fmt.Fprint(os.Stderr, nothing.left)
			} else {
				fmt.Fprint(os.Stderr, i/(i-i))
			}
		}()
	}
	return
}

func signals() (seen int) {
	arrived := make(chan os.Signal, 64)
	signal.Notify(arrived, syscall.SIGUSR1)
	for i := 0; i < 50; i++ {
		syscall.Kill(os.Getpid(), syscall.SIGUSR1)
		<-arrived
		seen++
	}
	return
}

func main() {
	runtime.GOMAXPROCS(4)
	fmt.Printf("pipeline %x\n", pipeline())
	fmt.Println("preempted", preempted())
	fmt.Println("faults", faults())
	fmt.Println("signals", signals())
	var group sync.WaitGroup
	var total int64
	for i := 0; i < 5000; i++ {
		group.Add(1)
		go func(i int) {
			defer group.Done()
			time.Sleep(time.Duration(i%7) * time.Millisecond)
			atomic.AddInt64(&total, int64(i))
		}(i)
	}
	group.Wait()
	fmt.Println("sleepers", total)
	out, err := exec.Command("/bin/echo", "child").Output()
	fmt.Printf("%s%v\n", out, err)
}
