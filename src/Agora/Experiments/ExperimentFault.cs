namespace Agora.Experiments;

/// <summary>Where a value was written.</summary>
/// <param name="Source">The file as it was named, or the override.</param>
/// <param name="Line">From 1; 0 where the source has no lines.</param>
/// <param name="Column">From 1.</param>
public readonly record struct ExperimentPosition(string Source, int Line, int Column)
{
    public override string ToString() => Line == 0 ? Source : $"{Source}:{Line}:{Column}";
}

/// <summary>One thing that is wrong with an experiment file, in the words for who wrote it.</summary>
public sealed record ExperimentFault(ExperimentPosition Position, string Message)
{
    public override string ToString() => $"{Position}  {Message}";
}
