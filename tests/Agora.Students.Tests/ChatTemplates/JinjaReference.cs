using System.Diagnostics;
using System.Text.Json;

namespace Agora.Tests.ChatTemplates;

/// <summary>Jinja2 itself, set up as for chat templates, where this machine has it.</summary>
internal static class JinjaReference
{
    private static readonly Lazy<string?> Python = new(() => new[] { "python3", "/usr/bin/python3" }.FirstOrDefault(HasJinja));

    public static string Folder { get; } = Path.Combine(AppContext.BaseDirectory, "Jinja");

    /// <summary>Text or error of each template; skips the test where there is no Jinja2.</summary>
    public static IReadOnlyList<Rendering> Render(IEnumerable<string> templates, JsonElement variables)
    {
        Assert.SkipWhen(Python.Value is null, "no python3 with jinja2: apt-get install python3-jinja2");
        using var python = Start(Python.Value!, Path.Combine(Folder, "jinja_reference.py"));
        var errors = python.StandardError.ReadToEndAsync();
        var output = python.StandardOutput.ReadToEndAsync();
        python.StandardInput.Write(JsonSerializer.Serialize(templates.Select(template => new object[] { template, variables })));
        python.StandardInput.Close();
        python.WaitForExit();
        Assert.True(python.ExitCode == 0, errors.GetAwaiter().GetResult());
        return JsonSerializer.Deserialize<List<Rendering>>(output.GetAwaiter().GetResult(), JsonSerializerOptions.Web)!;
    }

    private static bool HasJinja(string python)
    {
        try
        {
            using var process = Start(python, "-c", "import jinja2");
            process.StandardError.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }

    private static Process Start(string python, params string[] arguments) =>
        Process.Start(new ProcessStartInfo(python, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true })!;
}

/// <summary>What a template became: a text, or an error.</summary>
internal sealed record Rendering(string? Text, string? Error);
