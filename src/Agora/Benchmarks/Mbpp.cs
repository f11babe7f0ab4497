using System.Collections.Immutable;
using System.Text.RegularExpressions;
using Agora.Experiments;

namespace Agora.Benchmarks;

/// <summary>
/// MBPP (arXiv:2108.07732), full (<c>text</c>, <c>test_setup_code</c>) or sanitized (<c>prompt</c>, <c>test_imports</c>); both with <c>task_id</c>, <c>code</c>, <c>test_list</c>;
/// or EvalPlus's 378 tasks (<see cref="EvalPlusTask"/>).
/// </summary>
/// <remarks>
/// The original files hold all splits; only the test split (tasks 11 to 510) is asked, since seed data come from the training split. The prompt is the text and
/// the first assert in a docstring, the form in which AgoraBench's code seeds meet the student. One task's reference takes up to 7 s, hence the limit.
/// </remarks>
internal static partial class Mbpp
{
    private const double SecondsPerProgram = 10;

    public static IBenchmark Open(BenchmarkSpec spec, string rootFolder, BenchmarkOptions options) =>
        Open(spec, rootFolder, options, static task => task is >= 11 and <= 510);

    /// <param name="asked">Chooses tasks of the original files by their number.</param>
    internal static IBenchmark Open(BenchmarkSpec spec, string rootFolder, BenchmarkOptions options, Func<int, bool> asked)
    {
        options.Require(spec.Name, [PromptStyle.Chat, PromptStyle.Base, PromptStyle.EvalPlus], [AnswerGrader.Agora, AnswerGrader.EvalPlus], exemplars: true);
        var file = BenchmarkRows.Read(spec.File, rootFolder, limit: null);
        CodeTask[] chosen;
        if (EvalPlusTask.IsIn(file))
        {
            chosen = [.. file.Rows.Select(row => EvalPlusTask.Read(row, isMbpp: true, options.PlusTests))];
            file.ThrowIfFaulty();
        }
        else
        {
            var tasks = file.Rows.Select(row => (Number: row.Has("task_id") ? row.Number("task_id") : null, Task: Read(row))).ToArray();
            file.ThrowIfFaulty();
            chosen = [.. tasks.Where(t => t.Number is { } number && asked(number)).Select(t => t.Task)];
        }
        chosen = [.. chosen.Take(spec.Limit ?? int.MaxValue)];
        if (chosen.Length == 0)
            throw new AgoraException("the file holds no task of MBPP's test split (task_id 11 to 510)", spec.File, "give the whole file, or its test split") { ExitCode = 2 };
        var exemplars = ExemplarDraw.Of(options, rootFolder, row => new Exemplar(Read(row).Item.Prompt, row.Text("code").ReplaceLineEndings("\n")), chosen.Select(task => task.Item.Prompt));
        return new CodeBenchmark(spec.Name, file.Hash, [.. chosen.Select(task => Asked(task, options.Style, exemplars))], new CodeGrading
        {
            SecondsPerProgram = SecondsPerProgram,
            Options = options,
            Asking = options.Style switch
            {
                PromptStyle.Base => CodePrompts.Continued("\n\"\"\"", "\nassert"),
                PromptStyle.EvalPlus => CodePrompts.InChat with { Exemplars = InChat(exemplars, CodePrompts.Request) },
                _ => new BenchmarkAsking { Exemplars = InChat(exemplars, task => task) },
            },
        });
    }

    private static CodeTask Asked(CodeTask task, PromptStyle style, ImmutableArray<Exemplar> exemplars) => task with
    {
        Item = task.Item with
        {
            Prompt = style switch
            {
                PromptStyle.Base => string.Concat(exemplars.Select(exemplar => $"{exemplar.Question}{exemplar.Answer.TrimEnd()}\n\n")) + task.Item.Prompt,
                PromptStyle.EvalPlus => CodePrompts.Request(task.Item.Prompt),
                _ => task.Item.Prompt,
            },
        },
        Continues = style == PromptStyle.Base ? task.Item.Prompt : task.Continues,
    };

    private static ImmutableArray<Exemplar> InChat(ImmutableArray<Exemplar> exemplars, Func<string, string> request) =>
        [.. exemplars.Select(exemplar => new Exemplar(request(exemplar.Question), $"```python\n{exemplar.Answer.TrimEnd()}\n```"))];

    private static CodeTask Read(BenchmarkRow row)
    {
        var text = row.Text(row.Has("prompt") ? "prompt" : "text");
        var asserts = row.Texts("test_list");
        var imports = row.Has("test_imports") ? row.Texts("test_imports", mayBeEmpty: true) : [];
        var code = row.Text("code").ReplaceLineEndings("\n");
        var item = new BenchmarkItem(row.Id("task_id"), $"\"\"\"\n{text.Trim()}\n{asserts.FirstOrDefault("").Trim()}\n\"\"\"\n") { Question = text.Trim() };
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
