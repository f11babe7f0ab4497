using System.Text.RegularExpressions;
using Agora.Experiments;

namespace Agora.Benchmarks;

/// <summary>
/// MBPP (arXiv:2108.07732), full (<c>text</c>, <c>test_setup_code</c>) or sanitized (<c>prompt</c>, <c>test_imports</c>); both with <c>task_id</c>, <c>code</c>, <c>test_list</c>.
/// </summary>
/// <remarks>
/// The files hold all splits; only the test split (tasks 11 to 510) is asked, since seed data come from the training split. The prompt is the text and
/// the first assert in a docstring, the form in which AgoraBench's code seeds meet the student. One task's reference takes up to 7 s, hence the limit.
/// </remarks>
internal static partial class Mbpp
{
    private const double SecondsPerProgram = 10;

    public static IBenchmark Open(BenchmarkSpec spec, string rootFolder, bool unsafeNoSandbox) =>
        Open(spec, rootFolder, unsafeNoSandbox, static task => task is >= 11 and <= 510);

    /// <param name="asked">Chooses tasks by their number.</param>
    internal static IBenchmark Open(BenchmarkSpec spec, string rootFolder, bool unsafeNoSandbox, Func<int, bool> asked)
    {
        var file = BenchmarkRows.Read(spec.File, rootFolder, limit: null);
        var tasks = file.Rows.Select(row => (Number: row.Has("task_id") ? row.Number("task_id") : null, Task: Read(row))).ToArray();
        file.ThrowIfFaulty();
        CodeTask[] chosen = [.. tasks.Where(t => t.Number is { } number && asked(number)).Select(t => t.Task).Take(spec.Limit ?? int.MaxValue)];
        if (chosen.Length == 0)
            throw new AgoraException("the file holds no task of MBPP's test split (task_id 11 to 510)", spec.File, "give the whole file, or its test split") { ExitCode = 2 };
        return new CodeBenchmark(spec.Name, file.Hash, [.. chosen], SecondsPerProgram, unsafeNoSandbox);
    }

    private static CodeTask Read(BenchmarkRow row)
    {
        var text = row.Text(row.Has("prompt") ? "prompt" : "text");
        var asserts = row.Texts("test_list");
        var imports = row.Has("test_imports") ? row.Texts("test_imports", mayBeEmpty: true) : [];
        var code = row.Text("code").ReplaceLineEndings("\n");
        var item = new BenchmarkItem(row.Id("task_id"), $"\"\"\"\n{text.Trim()}\n{asserts.FirstOrDefault("").Trim()}\n\"\"\"\n");
        // Setup code runs after the program: two tasks build their inputs with the classes that it defines.
        var tests = string.Join("\n", [.. imports, row.OptionalText("test_setup_code"), .. asserts]);
        return new CodeTask(item, EntryPoint(code, asserts), tests.ReplaceLineEndings("\n"), Continues: null, code);
    }

    /// <summary>The function of the reference that the first assert calls; often, but not always, the first name in it.</summary>
    private static string EntryPoint(string code, IEnumerable<string> asserts)
    {
        var defined = Definition().Matches(code).Select(match => match.Groups[1].Value).ToHashSet(StringComparer.Ordinal);
        var called = Call().Matches(asserts.FirstOrDefault("")).Select(match => match.Groups[1].Value);
        return called.FirstOrDefault(defined.Contains) ?? defined.LastOrDefault("");
    }

    [GeneratedRegex(@"^(?:def|class)[ \t]+(\w+)", RegexOptions.Multiline | RegexOptions.NonBacktracking)]
    private static partial Regex Definition();

    [GeneratedRegex(@"(\w+)\(", RegexOptions.NonBacktracking)]
    private static partial Regex Call();
}
