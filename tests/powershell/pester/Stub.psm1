# Windows' cmdlets as functions, made from cmdlets.json with the documented parameters. What one answers is said with Use-StubAnswer;
# one that nobody expects to be called fails.

$facts = Get-Content -LiteralPath (Join-Path -Path $PSScriptRoot -ChildPath '../cmdlets.json') -Raw | ConvertFrom-Json
$simple = @{ 'switch' = 'switch'; 'Guid?' = 'guid'; 'Int32?' = 'int'; 'String' = 'string'; 'String?' = 'string' }

function Import-Stub {
    <#
    .SYNOPSIS
    Writes a module for each module of cmdlets.json into a folder, and imports it.
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
            $lines += "function $($cmdlet.Name) {"
            $lines += '    [CmdletBinding(SupportsShouldProcess)]'
            $lines += "    param ($($declared -join ', '))"
            $lines += "    if (`$null -eq `$Answer['$($cmdlet.Name)']) { throw '$($cmdlet.Name) was not expected.' }"
            $lines += "    & `$Answer['$($cmdlet.Name)'] `$PSBoundParameters"
            $lines += '}'
        }
        $path = Join-Path -Path $Folder -ChildPath $module
        $null = New-Item -Path $path -ItemType Directory -Force
        $file = Join-Path -Path $path -ChildPath "$module.psm1"
        Set-Content -LiteralPath $file -Value $lines -Encoding Ascii
        Import-Module -Name $file -Force -Global
    }
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

    foreach ($module in @('FailoverClusters', 'Hyper-V')) {
        if ($null -ne $facts.$module.PSObject.Properties[$Command]) {
            & (Get-Module -Name $module) { param ($Name, $Block) $Answer[$Name] = $Block } $Command $Answer
        }
    }
}

Export-ModuleMember -Function 'Import-Stub', 'Use-StubAnswer'
