namespace Agora.Cli.Diagnosis;

internal enum Verdict { Good, Optional, Bad }

/// <summary>One line of <c>agora doctor</c>.</summary>
/// <param name="Fix">What to do; null where nothing needs doing.</param>
internal sealed record Finding(string Subject, Verdict Verdict, string Detail, string? Fix = null);
