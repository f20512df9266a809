function ConvertTo-BorgClusterErrorRecord {
    <#
    .SYNOPSIS
    Makes an error record of the module's own; its identifier begins with BorgCluster and is what a client decides by.
    #>
    param (
        [Parameter(Mandatory)]
        [ValidatePattern('^BorgCluster')]
        [string]
        $ErrorId,

        [Parameter(Mandatory)]
        [System.Management.Automation.ErrorCategory]
        $Category,

        [Parameter(Mandatory)]
        [string]
        $Message,

        [AllowNull()]
        [object]
        $TargetObject = $null,

        [AllowNull()]
        [System.Exception]
        $InnerException = $null,

        # Windows' own code, such as 0x80070005: it goes along as that of an inner exception
        [AllowEmptyString()]
        [string]
        $Code = ''
    )

    $inner = $InnerException
    if ($null -eq $inner -and $Code -match '^0x([0-9A-Fa-f]{8})$') {
        $number = [System.Convert]::ToInt32($Matches[1], 16)
        $inner = [System.Runtime.InteropServices.COMException]::new($Code, $number)
    }
    $exception = [System.InvalidOperationException]::new($Message, $inner)
    return [System.Management.Automation.ErrorRecord]::new($exception, $ErrorId, $Category, $TargetObject)
}
