# furrow sbatch as a user types it.

cmake_minimum_required(VERSION 3.20)

include(${CMAKE_CURRENT_LIST_DIR}/furrow.cmake)

furrow(0 sbatch --nodes 2 --tasks-per-node 4 --cpus-per-task 2 --time 1:00:00 --backend mpi --job-name scan -- ./scan "a b")
foreach(line "#SBATCH --job-name=scan" "#SBATCH --nodes=2" "#SBATCH --ntasks-per-node=4" "#SBATCH --cpus-per-task=2"
        "#SBATCH --time=1:00:00" "program=('./scan' 'a b')" [[exec srun --mpi=pmix --cpus-per-task=2 "${program[@]}"]])
  must_contain("${output}" "\n${line}\n" "sbatch for mpi")
endforeach()

furrow(0 sbatch --cpus-per-task 8 --backend openmp ./scan --backend x)
must_contain("${output}" "\nexport FURROW_BACKEND=openmp\n" "sbatch for openmp")
must_contain("${output}" "program=('./scan' '--backend' 'x')" "options of the program")

furrow(0 sbatch --help)
must_contain("${output}" "usage: furrow sbatch" "sbatch --help")

foreach(words "" "--" "--nodes;2" "--nodes;0;--;./a" "--nodes;x;--;./a" "--nodes" "--nonsense;--;./a" "--time;1;--"
        "--time;soon;--;./a" "--job-name;a b;--;./a" "--partition;x\n#SBATCH -w n1;--;./a" "--backend;nonsense;--;./a"
        "--launcher;ssh;--;./a" "--nodes;2;--backend;openmp;--;./a" "--topology;/nonexistent.xml;--;./a"
        "--cpus-per-task;4000;--topology;${MACHINES}/vm.xml;--;./a")
  furrow(2 sbatch ${words})
  must_be_one_error("furrow sbatch ${words}")
endforeach()
