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
        $InnerException = $null
    )

    $exception = [System.InvalidOperationException]::new($Message, $InnerException)
    return [System.Management.Automation.ErrorRecord]::new($exception, $ErrorId, $Category, $TargetObject)
}
