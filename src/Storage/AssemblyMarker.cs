namespace Xkd.Storage;

/// <summary>Names the assembly, for reflection.</summary>
public static class AssemblyMarker;
