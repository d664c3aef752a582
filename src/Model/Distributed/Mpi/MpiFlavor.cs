namespace Xkd.Model.Distributed;

/// <summary>
/// The two binary interfaces of MPI. They differ in their handles: Open MPI's are addresses of exported objects, MPICH's (and Intel's, MVAPICH's, Cray's)
/// are integers.
/// </summary>
internal enum MpiFlavor
{
    OpenMpi,
    Mpich,
}
