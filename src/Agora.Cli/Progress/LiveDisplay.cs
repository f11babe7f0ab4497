using Agora.Cli.Commands;
using Agora.LanguageModels;
using Agora.Runs;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace Agora.Cli.Progress;

/// <summary>Progress on a terminal: one line for the run, one for each step at work, redrawn four times a second.</summary>
internal sealed class LiveDisplay(IAnsiConsole console, TimeProvider time, Budget budget) : IRunObserver
{
    private static readonly TimeSpan Redraw = TimeSpan.FromMilliseconds(250);
    private readonly Lock gate = new();
    private readonly RunLedger ledger = new(time, budget);
    private readonly List<string> notices = [];

    public void Observe(RunEvent happening)
    {
        lock (gate)
        {
            ledger.Enter(happening);
            var notice = happening switch
            {
                RunEvent.Planned planned => PlanTable.Expected(planned.Plan, budget.State) is { } expected ? Markup.Escape(expected) : null,
                RunEvent.Waiting waiting => $"[yellow]wait[/]   {Markup.Escape(waiting.Step.Name)}: another process makes it",
                RunEvent.Damaged damaged => $"[yellow]redo[/]   {Markup.Escape(damaged.Step.Name)}: its stored result is damaged: {Markup.Escape(damaged.Reason)}",
                RunEvent.Noted noted => $"note   {Markup.Escape(noted.Step.Name)}: {Markup.Escape(noted.Text)}",
                RunEvent.Failed failed => $"[red]FAILED[/] {Markup.Escape(failed.Step.Name)}: {Markup.Escape(failed.Fault.Message)}",
                _ => null,
            };
            if (notice is not null)
                notices.Add(notice);
        }
    }

    /// <summary>Shows the run until <paramref name="work"/> is done.</summary>
    public async Task<T> ShowAsync<T>(Task<T> work)
    {
        await console.Live(new Text("")).AutoClear(true).StartAsync(async live =>
        {
            while (!work.IsCompleted)
            {
                live.UpdateTarget(Picture());
                live.Refresh();
                await Task.WhenAny(work, Task.Delay(Redraw, time));
            }
        });
        lock (gate)
        {
            foreach (var notice in notices)
                console.MarkupLine(notice);
            console.MarkupLine($"{ledger.Done} of {ledger.Steps} steps done ({ledger.Reused} were there), {StepMeter.Duration(ledger.Elapsed)}");
        }
        return await work;
    }

    private Rows Picture()
    {
        lock (gate)
        {
            var share = ledger.Steps == 0 ? 0 : (double)ledger.Done / ledger.Steps;
            var tokens = ledger.Tokens + ledger.Active.Sum(meter => meter.Now.Tokens);
            var head = $"{Bar(share, 30)} {ledger.Done}/{ledger.Steps} steps  {StepMeter.Duration(ledger.Elapsed)}  {StepMeter.Tokens(tokens)} tokens"
                + (ledger.Money is { Length: > 0 } money ? $"  {money}" : "")
                + (ledger.Failed > 0 ? $"  [red]{ledger.Failed} failed[/]" : "");
            var table = new Table().NoBorder().HideHeaders();
            // On a narrow terminal the name takes another line; the figures stay whole.
            for (var column = 0; column < 7; column++)
                table.AddColumn(new TableColumn("") { NoWrap = column != 1 });
            foreach (var meter in ledger.Active)
                table.AddRow(
                    new Markup(Bar(meter.Share, 12)), new Text(meter.Name), new Text(meter.Count), new Text(meter.RateText),
                    new Text(meter.RemainingText), new Text(meter.TokensText), new Text(meter.DollarsText));
            return new Rows([new Markup(head), table, .. notices.TakeLast(5).Select(IRenderable (notice) => new Markup(notice))]);
        }
    }

    private static string Bar(double share, int width)
    {
        var full = (int)Math.Round(Math.Clamp(share, 0, 1) * width);
        return $"[green]{new string('━', full)}[/][grey]{new string('━', width - full)}[/]";
    }
}
