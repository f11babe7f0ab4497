namespace Agora.Experiments;

/// <summary>A path on this machine: written relative to the experiment file's own folder, absolute once the file is read.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class FilePathAttribute : Attribute
{
    /// <summary>Data may also be named as <see cref="DataName"/> says; such a name stays as it is written.</summary>
    public bool OrDataName { get; init; }
}
