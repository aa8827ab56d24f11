(* Recursion, polymorphic maps, strings, exceptions, on OCaml's bytecode interpreter. *)
let rounds = int_of_string Sys.argv.(1)
let rec fib n = if n < 2 then n else fib (n - 1) + fib (n - 2)
module M = Map.Make (String)
let () =
  Printf.printf "%d\n" (fib (18 + rounds / 2));
  let map = ref M.empty in
  for i = 1 to rounds * 10000 do
    let key = Printf.sprintf "k%d" (i * 7919 mod 997) in
    map := M.update key (fun v -> Some (1 + Option.value ~default:0 v)) !map
  done;
  Printf.printf "%d\n" (M.fold (fun k v sum -> sum + (v * String.length k)) !map 0);
  let caught = ref 0 in
  for i = 1 to rounds * 1000 do
    try if i mod 3 = 0 then raise Not_found else if i mod 3 = 1 then failwith "x" with
    | Not_found -> incr caught
    | Failure _ -> caught := !caught + 2
  done;
  Printf.printf "%d\n" !caught
