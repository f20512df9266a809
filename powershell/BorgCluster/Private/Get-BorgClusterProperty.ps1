function Get-BorgClusterProperty {
    <#
    .SYNOPSIS
    Reads a property that some versions of Windows lack: $null instead of strict mode's error.
    .DESCRIPTION
    Properties of Hyper-V's objects are read from the machine when they are asked for: one that can't be read is $null too.
    #>
    param (
        [Parameter(Mandatory)]
        [AllowNull()]
        [object]
        $InputObject,

        [Parameter(Mandatory)]
        [string]
        $Name
    )

    if ($null -eq $InputObject) {
        return $null
    }
    $property = $InputObject.PSObject.Properties[$Name]
    if ($null -eq $property) {
        return $null
    }
    try {
        return $property.Value
    } catch [System.Management.Automation.GetValueException] {
        Write-Verbose -Message "$Name can't be read: $_"
        return $null
    }
}
