# Runs the Pester tests and leaves their result as JUnit's XML.
param (
    [Parameter(Mandatory)]
    [string]
    $Result
)

Import-Module -Name Pester -MinimumVersion 5.0 -ErrorAction Stop
$configuration = New-PesterConfiguration
$configuration.Run.Path = Join-Path -Path $PSScriptRoot -ChildPath '../../powershell/pester'
$configuration.TestResult.Enabled = $true
$configuration.TestResult.OutputFormat = 'JUnitXml'
$configuration.TestResult.OutputPath = $Result
Invoke-Pester -Configuration $configuration
