namespace Agora.Benchmarks;

/// <summary>Whether two final answers say the same.</summary>
internal static class MathEquivalence
{
    public static bool AreEquivalent(string reference, string answer) =>
        TryEvaluate(reference, out var a) && TryEvaluate(answer, out var b) ? a == b : Plain(reference) == Plain(answer);

    /// <summary>The exact value of an answer that is a rational number.</summary>
    public static bool TryEvaluate(string text, out ExactNumber number)
    {
        var plain = Plain(text);
        return WrittenNumber.TryFindFirst(plain, out number, out var written) && written.Length == plain.Length;
    }

    private static string Plain(string text) => text.Trim().Trim('$', '.', ' ').Replace("\\$", "", StringComparison.Ordinal).Replace(" ", "", StringComparison.Ordinal);
}
