/* The raw rate of MPI_Allreduce, float32 in place: in one call over everything, and in calls of 4 Mi values. Prints "whole SECONDS" and "chunked SECONDS".
   mpicc -O2 allreduce.c -o allreduce && mpirun -np 2 ./allreduce VALUES REPETITIONS */
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>

static double reduce(float *values, long count, long chunk)
{
    MPI_Barrier(MPI_COMM_WORLD);
    double start = MPI_Wtime();
    for (long done = 0; done < count; done += chunk)
        MPI_Allreduce(MPI_IN_PLACE, values + done, (int)(count - done < chunk ? count - done : chunk), MPI_FLOAT, MPI_SUM, MPI_COMM_WORLD);
    MPI_Barrier(MPI_COMM_WORLD);
    return MPI_Wtime() - start;
}

int main(int argc, char **argv)
{
    MPI_Init(&argc, &argv);
    int rank;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    long count = argc > 1 ? atol(argv[1]) : 1 << 26;
    int repetitions = argc > 2 ? atoi(argv[2]) : 3;
    float *values = calloc(count, sizeof(float));
    for (int i = -1; i < repetitions; i++) { /* the first one touches the pages */
        double whole = reduce(values, count, count), chunked = reduce(values, count, 1 << 22);
        if (rank == 0 && i >= 0)
            printf("whole %.6f\nchunked %.6f\n", whole, chunked);
    }
    free(values);
    MPI_Finalize();
    return 0;
}
