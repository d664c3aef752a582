using System.Runtime.CompilerServices;

namespace Xkd.Model.Distributed;

/// <summary>What ranks of one NCCL communicator know each other by (ncclUniqueId of nccl.h); it goes by value.</summary>
[InlineArray(Length)]
internal struct NcclUniqueId
{
    public const int Length = 128;

    private byte _first;
}
