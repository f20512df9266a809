# Windows' cmdlets as functions, made from cmdlets.json with the documented parameters. What one answers is said with Use-StubAnswer;
# one that nobody expects to be called fails.

$facts = Get-Content -LiteralPath (Join-Path -Path $PSScriptRoot -ChildPath '../cmdlets.json') -Raw | ConvertFrom-Json
$simple = @{ 'switch' = 'switch'; 'Guid?' = 'guid'; 'Int32?' = 'int'; 'String' = 'string'; 'String?' = 'string' }
# Of 5.1 itself, with the parameters that the module uses
$others = @{
    CimCmdlets = @{
        'Get-CimInstance' = @('ClassName', 'Filter', 'InputObject', 'Namespace', 'Property')
        'Get-CimAssociatedInstance' = @('Association', 'InputObject', 'ResultClassName')
        'Invoke-CimMethod' = @('Arguments', 'InputObject', 'MethodName')
    }
    ScheduledTasks = @{
        'New-ScheduledTaskAction' = @('Argument', 'Execute')
        'New-ScheduledTaskPrincipal' = @('LogonType', 'RunLevel', 'UserId')
        'Register-ScheduledTask' = @('Action', 'Force', 'Principal', 'TaskName', 'TaskPath')
        'Start-ScheduledTask' = @('TaskName', 'TaskPath')
        'Get-ScheduledTask' = @('TaskName', 'TaskPath')
        'Get-ScheduledTaskInfo' = @('TaskName', 'TaskPath')
        'Unregister-ScheduledTask' = @('TaskName', 'TaskPath')
    }
}
$moduleOf = @{}

function Import-Stub {
    <#
    .SYNOPSIS
    Writes a module for each module of cmdlets.json, and for some of 5.1's, into a folder, and imports it.
    #>
    param (
        [Parameter(Mandatory)]
        [string]
        $Folder
    )

    foreach ($module in @('FailoverClusters', 'Hyper-V')) {
        $lines = @('$Answer = @{}')
        foreach ($cmdlet in $facts.$module.PSObject.Properties) {
            $types = @{}
            foreach ($set in $cmdlet.Value.'2025'.sets.PSObject.Properties) {
                foreach ($parameter in $set.Value.PSObject.Properties) {
                    $types[$parameter.Name] = $parameter.Value
                }
            }
            $declared = @()
            foreach ($name in $types.Keys) {
                $type = $simple[$types[$name]]
                if ($null -eq $type) {
                    $type = 'object'
                }
                if ($name -notin @('Confirm', 'WhatIf')) {
                    $declared += "[$type] `$$name"
                }
            }
            $lines += Get-StubText -Name $cmdlet.Name -Declared $declared
            $moduleOf[$cmdlet.Name] = $module
        }
        Import-StubModule -Folder $Folder -Name $module -Line $lines
    }
    foreach ($module in $others.Keys) {
        $lines = @('$Answer = @{}')
        foreach ($name in $others[$module].Keys) {
            $declared = @(foreach ($parameter in $others[$module][$name]) { "[object] `$$parameter" })
            $lines += Get-StubText -Name $name -Declared $declared
            $moduleOf[$name] = $module
        }
        Import-StubModule -Folder $Folder -Name $module -Line $lines
    }
}

function Get-StubText {
    param ([string] $Name, [string[]] $Declared)

    "function $Name {"
    '    [CmdletBinding(SupportsShouldProcess)]'
    "    param ($($Declared -join ', '))"
    "    if (`$null -eq `$Answer['$Name']) { throw '$Name was not expected.' }"
    "    & `$Answer['$Name'] `$PSBoundParameters"
    '}'
}

function Import-StubModule {
    param ([string] $Folder, [string] $Name, [string[]] $Line)

    $path = Join-Path -Path $Folder -ChildPath $Name
    $null = New-Item -Path $path -ItemType Directory -Force
    $file = Join-Path -Path $path -ChildPath "$Name.psm1"
    Set-Content -LiteralPath $file -Value $Line -Encoding Ascii
    Import-Module -Name $file -Force -Global
}

function Use-StubAnswer {
    <#
    .SYNOPSIS
    Says what a cmdlet answers: a script block that is given the bound parameters.
    #>
    param (
        [Parameter(Mandatory)]
        [string]
        $Command,

        [Parameter(Mandatory)]
        [scriptblock]
        $Answer
    )

    & (Get-Module -Name $moduleOf[$Command]) { param ($Name, $Block) $Answer[$Name] = $Block } $Command $Answer
}

Export-ModuleMember -Function 'Import-Stub', 'Use-StubAnswer'
