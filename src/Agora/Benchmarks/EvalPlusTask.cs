using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using Agora.Experiments;

namespace Agora.Benchmarks;

/// <summary>
/// A row of EvalPlus's release files (HumanEvalPlus, MbppPlus): <c>task_id</c>, <c>prompt</c>, <c>entry_point</c>, <c>canonical_solution</c>, <c>base_input</c>, <c>plus_input</c>, <c>atol</c>.
/// </summary>
/// <remarks>
/// The original tests as inputs whose outputs are compared with the reference's, and many more inputs. A file of MBPP's tasks holds 378, whatever split they are of:
/// those above 600 may be among a student's seeds.
/// </remarks>
internal static class EvalPlusTask
{
    /// <summary>Whether the rows are EvalPlus's, and not the original benchmark's.</summary>
    public static bool IsIn(BenchmarkRows file) => file.Rows is [var first, ..] && first.Has("base_input");

    /// <param name="isMbpp">Else HumanEval.</param>
    public static CodeTask Read(BenchmarkRow row, bool isMbpp, bool plus)
    {
        var id = row.Id("task_id");
        var prompt = row.Text("prompt");
        var entryPoint = NanoCode.EntryPoint(row);
        var reference = prompt + row.Text("canonical_solution").ReplaceLineEndings("\n");
        var number = int.TryParse(id.AsSpan(id.LastIndexOf('/') + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var parsed) ? parsed : -1;
        var inputs = ImmutableArray.CreateBuilder<string>();
        foreach (var member in plus ? (string[])["base_input", "plus_input"] : ["base_input"])
        {
            if (row.Json(member) is not { } given)
                continue;
            try
            {
                inputs.Add(EvalPlusShapes.Inputs(given, isMbpp ? number : null));
            }
            catch (Exception fault) when (fault is FormatException or InvalidOperationException)     // the latter: an unpaired surrogate
            {
                row.Fault($"\"{member}\" is not what the task takes: {fault.Message}");
            }
        }
        var tests = new DifferentialTests(reference, entryPoint, string.Join(" + ", inputs), Tolerance(row), isMbpp ? Oracle(number) : number == 32 ? "root" : "none");
        return new CodeTask(new BenchmarkItem(id, prompt.Trim() + "\n"), entryPoint, Tests: null, Continues: prompt, reference, tests);
    }

    private static string Tolerance(BenchmarkRow row) => row.Json("atol") switch
    {
        null => "0",
        { ValueKind: JsonValueKind.Number } number when number.TryGetDouble(out var value) && value is >= 0 and < 1 => value.ToString("R", CultureInfo.InvariantCulture),
        _ => Refused(row),
    };

    private static string Refused(BenchmarkRow row)
    {
        row.Fault("\"atol\" must be a number from 0 to 1");
        return "0";
    }

    /// <summary>MBPP tasks whose outputs are not simply compared (evalplus commit 26d6d00b, eval/_special_oracle.py).</summary>
    private static string Oracle(int task) => task switch
    {
        2 or 7 or 111 or 140 or 232 or 249 or 579 or 769 => "set",
        737 or 787 or 794 => "not_none",
        164 => "anything",
        295 => "zero",
        558 => "digit_distance",
        581 => "pyramid",
        _ => "none",
    };
}
