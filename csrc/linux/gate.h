/* Job: what gate.S offers to C: the one system call instruction that may block, accesses to guest
 * memory that survive a fault, and the entry points the kernel calls.
 * State: none.
 * Invariant: the labels below are addresses that faults.c compares interrupted program counters with. */
#ifndef DBT_LINUX_GATE_H
#define DBT_LINUX_GATE_H

#include "core/base.h"

/* Runs a system call unless *pending is set. Returns the kernel's result; DBT_RESTART when a signal came
 * before the kernel was entered. */
i64 dbt_gate_syscall(u64 number, const u64 *arguments, const volatile u32 *pending);
extern const u8 dbt_gate_window_start[];
extern const u8 dbt_gate_window_end[]; /* just after the syscall instruction */
extern const u8 dbt_gate_window_abort[];

/* Copies; returns the number of bytes NOT copied because of a fault. */
u64 dbt_gate_copy(void *to, const void *from, u64 size_bytes);
extern const u8 dbt_gate_copy_start[];
extern const u8 dbt_gate_copy_end[];
extern const u8 dbt_gate_copy_fault[];

/* Processor state in the format of signal frames; false after a fault. */
bool dbt_gate_xsave(u64 area, u64 features);
bool dbt_gate_xrstor(u64 area, u64 features);
bool dbt_gate_fxrstor(u64 area);
extern const u8 dbt_gate_state_start[];
extern const u8 dbt_gate_state_end[];
extern const u8 dbt_gate_state_fault[];

/* The handler the kernel calls for every signal, and the way back. */
void dbt_gate_signal(void);
void dbt_gate_signal_return(void);

/* clone() whose child starts in function(argument) on another stack, with all else as the parent. */
i64 dbt_gate_clone(u64 flags, u64 stack_top, u64 parent_tid, u64 child_tid, u64 tls,
                   void (*function)(void *), void *argument);

/* clone3() whose child finds function and argument on top of the stack that the arguments name. */
i64 dbt_gate_clone3(const void *arguments, u64 size_bytes);

/* Frees the lock and ends the calling thread; uses no stack after the lock is free. */
_Noreturn void dbt_gate_exit_thread(u32 *lock, u64 status);

/* Calls function(argument) on another stack; returns when it does. */
void dbt_gate_call_on(u64 stack_top, void (*function)(void *), void *argument);

#endif
